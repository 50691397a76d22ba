"""What the gate does, measured: see docs/gate.md."""
