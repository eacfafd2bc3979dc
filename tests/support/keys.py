"""The key that signs the tests' tokens: of RFC 8037, appendix A, and so known to everybody."""

SIGNING_KEY = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
