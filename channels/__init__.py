"""Message adapters. Each composes and delivers; none knows a campaign, a database or another channel."""
