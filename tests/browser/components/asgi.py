"""A server with nothing but the two components, for their tests."""

from pathlib import Path

import streamlit as st

from app.api import base_path, routes
from synthfin_core.store import Store

app = st.App(Path(__file__).with_name("page.py"), routes=routes(Store(), base_path()))
