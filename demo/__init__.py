"""One campaign, all the way round, on real purchases and an invented public whose true behaviour is known.

households   who they are: real purchases, invented names and addresses   -> customers.csv, purchases.csv
public       what each of them does when something arrives, and would have done otherwise
post         what really arrived: mails, texts, letters
visits       what people do with it: landing pages over HTTP, purchases at the till
days         28 virtual days: carry out, receive, react
truth        the true effect, from what everybody would have done either way
ledger       whether what people did and what was written down is the same
tour         the story that is told on the way
"""
