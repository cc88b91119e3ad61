"""The verbs: what people and programs do here, one file each. A service never commits."""
