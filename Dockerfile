# SynthFin as a container: pages on port 8501, data sets and runs in the volume /synthfin/models_cache.
#
#   docker build -t synthfin .                                  with CUDA (pip's torch for Linux carries it)
#   docker build -t synthfin:cpu \
#     --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu .     without, a third of the size
#
# Any base with Python 3.11 or newer and its venv module will do.
ARG BASE_IMAGE=python:3.12-slim
FROM ${BASE_IMAGE}

# pip reads these from its environment while the image is built; neither stays in the image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL

RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin synthfin \
    && python3 -m venv /opt/synthfin
ENV PATH=/opt/synthfin/bin:$PATH

# Packages before code, so that a change of code installs nothing.
WORKDIR /synthfin
COPY constraints.txt requirements.txt ./
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

# Code belongs to root: the server can read it and cannot change it.
COPY .streamlit .streamlit
COPY synthfin_core synthfin_core
COPY app app
RUN python -m compileall -q app synthfin_core \
    && install -d -o synthfin -g synthfin models_cache

# Small recurrent networks want one thread each.
ENV PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    SYNTHFIN_STORE=/synthfin/models_cache \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

USER synthfin
VOLUME /synthfin/models_cache
EXPOSE 8501
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "streamlit", "run", "app/asgi.py", \
     "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true"]
