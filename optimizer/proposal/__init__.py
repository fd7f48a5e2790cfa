"""What a reviewer sees: bins, reasons, savings, warnings and the bound."""
