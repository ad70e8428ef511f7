"""A local web application over a store: invocations over time, and what the chosen ones did.

Data flows one way: store → `index` (what there is) → `choice` (what is meant) → `app` (pages and numbers)
→ the browser. `gate` stands before all of it: this machine only, and only who has the token.
"""
