"""A service of its own: asks a hub by GraphQL for finished messages, and hands them to a mail server."""
