# The image of secret-refresher: `make image` builds it, tools/image/assemble.py says what is in it.
#
# BASE may be given with a digest. Both stages that run anything run on it; the last one holds
# only what was assembled from it, so no layer has a shell, a package manager or pip.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1

# Every dependency has a wheel, and a locked hash says which: nothing runs before it is known.
# The two secrets are for networks with a mirror or a certificate of their own. They are mounted
# while pip runs, where they are given, and are in no layer; without them PIP_CONFIG_FILE names a
# file that is not there, which pip takes for an empty one.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN --mount=type=secret,id=pip.conf \
    --mount=type=secret,id=ca-certificates.crt \
    export PIP_CONFIG_FILE=/run/secrets/pip.conf && \
    if [ -e /run/secrets/ca-certificates.crt ]; then \
        export PIP_CERT=/run/secrets/ca-certificates.crt; \
    fi && \
    python3 -m venv --without-pip /opt/build && \
    python3 -m venv --without-pip /opt/secret-refresher && \
    python3 -m pip --python /opt/build/bin/python install \
        --require-hashes --only-binary :all: --requirement requirements/build.txt && \
    python3 -m pip --python /opt/secret-refresher/bin/python install \
        --require-hashes --only-binary :all: --no-compile --requirement requirements/runtime.txt

COPY . .
ARG SOURCE_DATE_EPOCH=0
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /wheel && \
    python3 -m pip --python /opt/secret-refresher/bin/python install \
        --no-deps --no-index --no-compile /wheel/*.whl && \
    rm /opt/secret-refresher/bin/[Aa]ctivate* && \
    mkdir /root-fs && \
    python3 tools/image/assemble.py /opt/secret-refresher /root-fs && \
    chroot /root-fs /opt/secret-refresher/bin/secret-refresher schema >/dev/null

FROM scratch
ARG VERSION
ARG REVISION
ARG SOURCE
ARG CREATED
LABEL org.opencontainers.image.title="secret-refresher" \
      org.opencontainers.image.description="Keeps OAuth 2.0 access tokens fresh in files and Kubernetes Secrets" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.created="${CREATED}"
COPY --from=build /root-fs /
ENV PATH=/opt/secret-refresher/bin:/usr/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 9797
STOPSIGNAL SIGTERM
# Process 1 ignores signals that it does not handle yet; a blocked one waits until it does.
ENTRYPOINT ["env", "--block-signal=TERM", "secret-refresher"]
CMD ["run"]
