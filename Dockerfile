# The base is any Debian with Python 3.11 or newer in its packages. Built by scripts/image.
ARG BASE=debian:trixie-slim

# --- The program and its pinned dependencies, as a virtual environment without pip -------------------------------------------------
FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-pip python3-venv \
    && python3 -m venv --without-pip /usr/lib/gitsync
WORKDIR /src
COPY constraints.txt ./
# The dependencies come first: a change of the program alone leaves this layer as it is.
RUN pip --python /usr/lib/gitsync/bin/python3 install --no-cache-dir --no-compile --no-deps -r constraints.txt
COPY pyproject.toml README.md LICENSE ./
COPY gitsync ./gitsync
# --no-deps, then check: constraints.txt has to name every dependency. Compiled here, and never checked against the sources' times
# again, because at run time the root filesystem may be read-only. -OO leaves out documentation strings, which are 2 MB of memory.
RUN pip --python /usr/lib/gitsync/bin/python3 install --no-cache-dir --no-compile --no-deps . \
    && pip --python /usr/lib/gitsync/bin/python3 check \
    && find /usr/lib/gitsync/lib -type d '(' -name test -o -name tests ')' -prune -exec rm -rf '{}' + \
    && /usr/lib/gitsync/bin/python3 -OO -m compileall -q --invalidation-mode unchecked-hash /usr/lib/gitsync/lib

# --- What runs --------------------------------------------------------------------------------------------------------------------
FROM ${BASE}
# Of git's package stay the parts of a client. No command that stays is written in Perl, so of Perl only perl-base stays, which belongs to Debian's
# base system; Python's test suite and the texts of its interactive help go too. That is a third of what the packages bring.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git libnss-wrapper openssh-client python3 tini \
    && cd /usr/lib/git-core \
    && rm -f git-daemon git-http-backend git-http-push git-imap-send git-instaweb git-shell scalar /usr/bin/scalar /usr/bin/git-shell \
    && rm -rf /usr/share/gitweb /usr/share/git-core/contrib /usr/share/doc/git/contrib \
        /usr/share/perl/5.* /usr/lib/*-linux-gnu/perl/5.* /usr/lib/*-linux-gnu/libperl.so.5.* \
        /usr/lib/python3*/test /usr/lib/python3*/pydoc_data /usr/lib/python3*/ensurepip /usr/lib/python3*/idlelib \
        /usr/share/doc /usr/share/man /usr/share/info /usr/share/lintian \
        /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/* \
    # Compiled as the program is, and not in two ways.
    && find /usr/lib/python3* -name '*.pyc' -delete \
    && python3 -OO -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3* \
    && groupadd --gid 65533 git-sync \
    && useradd --uid 65533 --gid 65533 --no-log-init --no-create-home --home-dir /tmp --shell /usr/sbin/nologin git-sync \
    && install -d -o git-sync -g git-sync -m 02775 /git \
    # Nothing of the program lies where people mount volumes, such as /opt and /usr/local.
    && ln -s /usr/lib/gitsync/bin/gitsync /usr/bin/gitsync \
    # The name of the program in the image of git-sync, for manifests that name it as their command: then this is process 1.
    && printf '%s\n' '#!/bin/sh' 'exec /usr/bin/tini -s -- /usr/bin/gitsync "$@"' >/git-sync \
    && chmod 0755 /git-sync
COPY --from=build /usr/lib/gitsync /usr/lib/gitsync

# The last three keep memory down: no documentation strings, one heap for all threads, and what is free goes back to the system.
ENV GITSYNC_ROOT=/git \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONOPTIMIZE=2 \
    MALLOC_ARENA_MAX=1 \
    MALLOC_TRIM_THRESHOLD_=65536
USER 65533:65533
WORKDIR /tmp
EXPOSE 9484
LABEL org.opencontainers.image.title="gitsync" \
    org.opencontainers.image.description="Publishes a git repository into a volume and keeps it up to date: a sidecar for pods" \
    org.opencontainers.image.licenses="Apache-2.0"
# -s: orphans are reaped also where this is not process 1, as in a pod with a shared process namespace.
ENTRYPOINT ["/usr/bin/tini", "-s", "--", "/usr/bin/gitsync"]
