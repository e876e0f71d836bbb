"""Images beside the tools that others use: what they write is read here, and the other way round."""
