# Three stages: the embedding model is made once (that needs PyTorch), GraphiQL's files are fetched,
# and the image that runs has neither PyTorch nor Node, but onnxruntime and the model.

FROM python:3.11-slim-bookworm AS model
ARG PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY hub hub
COPY schema schema
COPY resolvers resolvers
COPY embeddings embeddings
RUN pip install --no-cache-dir ${PIP_FLAGS} ".[model]" && TUTTI_MODEL_DIR=/models tutti model prepare
RUN python -m hub.web.graphiql_assets

FROM python:3.11-slim-bookworm AS packages
WORKDIR /build
COPY --from=model /build .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir .

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Tutti" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --create-home --home-dir /home/tutti tutti && install -d -o tutti /data
COPY --from=packages /venv /venv
COPY --from=model /models /models
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TUTTI_HOST=0.0.0.0 \
    TUTTI_DATA_DIR=/data \
    TUTTI_MODEL_DIR=/models \
    TUTTI_LOG_FORMAT=json
USER tutti
VOLUME /data
EXPOSE 8470
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8470/readyz', timeout=2)"]
ENTRYPOINT ["tutti"]
CMD ["run"]
