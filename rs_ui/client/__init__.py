"""The client of the compute process; plain Python, no streamlit."""
