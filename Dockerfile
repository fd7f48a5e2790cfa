# Stage 1 installs what requirements-runtime.lock pins, each file checked by its hash.
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
RUN python -m venv /opt/allybin
COPY requirements-runtime.lock ./
RUN /opt/allybin/bin/pip install --require-hashes --requirement requirements-runtime.lock
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY optimizer optimizer
COPY sample_requests sample_requests
RUN /opt/allybin/bin/pip install --no-deps .
# Kernels compiled for this processor; another one's are compiled on first use.
ENV NUMBA_CACHE_DIR=/opt/allybin/kernels
RUN mkdir "$NUMBA_CACHE_DIR" && /opt/allybin/bin/allybin propose --workers 1 \
    --time-limit 600 sample_requests/announced-2022-2026.csv >/dev/null

# Stage 2 runs it, as a user who owns nothing but the folder it works in.
FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --create-home --home-dir /work --shell /usr/sbin/nologin allybin
COPY --from=build /opt/allybin /opt/allybin
COPY --from=build --chown=allybin:allybin /opt/allybin/kernels /opt/allybin/kernels
ENV PATH=/opt/allybin/bin:$PATH NUMBA_CACHE_DIR=/opt/allybin/kernels \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER allybin
WORKDIR /work
ENTRYPOINT ["allybin"]
CMD ["--help"]
