"""config.json: types, loading, validation, defaults."""
