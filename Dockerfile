# The server as an image: docker build -t nexus . && docker run -p 8090:8090 -v nexus:/var/lib/nexus nexus
# It authenticates by tokens, since it listens on every address: docker exec CONTAINER nexus token … makes the first.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /src
COPY . .
# The pages are built here unless the checkout has them built already; Node then comes as a Python package.
RUN python -m venv .venv && scripts/web
RUN python -m venv /opt/nexus \
 && /opt/nexus/bin/python -m pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt . \
 && mkdir -p /var/lib/nexus

FROM ${BASE}
COPY --from=build /opt/nexus /opt/nexus
# A number, so that Kubernetes can tell that it is not root; the folder is what a new volume is made from.
COPY --from=build --chown=10001:10001 /var/lib/nexus /var/lib/nexus
USER 10001:10001
WORKDIR /var/lib/nexus
ENV PATH=/opt/nexus/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NEXUS_AUTHENTICATION=tokens \
    NEXUS_DATA=/var/lib/nexus \
    NEXUS_HOST=0.0.0.0 \
    NEXUS_LOG_FORMAT=json
VOLUME /var/lib/nexus
EXPOSE 8090
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ.get('NEXUS_PORT', 8090)}/healthz\", timeout=4)"]
ENTRYPOINT ["nexus"]
CMD ["serve"]
