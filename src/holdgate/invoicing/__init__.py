"""Invoices as documents: UBL 2.1, CII, Factur-X and plain PDF from one `Invoice`, checked before anything is given out.

Pure: `countries`, `profiles`, `tax`, `sums`, `fields`, `invariants`, `business_terms`, `page`. With libraries: `syntax`
(factur-x), `pdf` (typst through `holdgate.paper`, pypdf). With a process of its own: `validate`, which asks `schematron`.
"""
