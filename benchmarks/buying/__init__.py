"""How many answers each policy buys of real crowds, how right it is, and whether confidence means what it says."""
