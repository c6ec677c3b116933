r"""Offers issued: grants with codes, bounded by budgets and caps, in double entry.

    issued ---> redeemed ---> reversed
       | \----------------------^
       \---> expired

model       what a grant, an entry and a standing are
issuing     many requests, one transaction: who gets what, within budgets and caps
using       redeeming, reversing, expiring: each one transaction
books       the accounts, their report, and the audit that compares them with the grants
service     what others call
repository  all queries
"""
