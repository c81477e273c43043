"""Receipts on paper: PDF, A4. Knows neither store nor HTTP."""

from isotope.adapters.receipts_pdf.render import render_receipt_pdf

__all__ = ["render_receipt_pdf"]
