"""What assistants ask of the cache over the Model Context Protocol (MCP): questions with short answers."""
