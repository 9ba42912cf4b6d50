# The dashboard alone: no benchmark, no tests, no data.
#   docker build -t pretscope .
#   docker run --rm -p 127.0.0.1:5006:5006 -v pretscope:/artifacts pretscope
FROM python:3.11-slim

# LightGBM is linked against the OpenMP runtime.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements/core.txt requirements/core.txt
RUN pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --require-hashes -r requirements/core.txt

COPY data data
COPY models models
COPY explain explain
COPY dashboard dashboard
COPY LICENSE README.md ./
RUN python -m compileall -q data models explain dashboard

RUN useradd --create-home --uid 10001 pretscope && install -d -o pretscope -g pretscope /artifacts
USER pretscope
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/tmp/numba \
    PRETSCOPE_ARTIFACTS=/artifacts
VOLUME /artifacts
EXPOSE 5006

# The first start may have a portfolio to prepare before it answers.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15m \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:5006/liveness', timeout=4)"]
CMD ["python", "-m", "dashboard", "--address", "0.0.0.0", "--port", "5006"]
