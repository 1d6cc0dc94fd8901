"""What keeps the house: the scripts that people type, and in `house` the programs behind them."""
