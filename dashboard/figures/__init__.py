"""Pure functions from typed results to drawings: SVG text or HoloViews objects; no state, no session."""
