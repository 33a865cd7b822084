"""What Go's libraries make of values as text: formats, numbers, quotes, JSON, URLs."""
