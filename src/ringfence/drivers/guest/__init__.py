"""What every wall whose container is in a guest shares: the guest's side of its plan, its files, the frames' client."""
