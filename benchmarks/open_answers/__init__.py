"""How right and how fast fused open answers are, on real crowds."""
