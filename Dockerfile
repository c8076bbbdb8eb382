# The base is any Debian with Python 3.11 or newer in its packages. Built by scripts/image.
ARG BASE=debian:trixie-slim
# What the program lies in: `slim`, or `debian`, which has the package manager and all else of the base, for images that add to this one.
ARG SYSTEM=slim

# --- The program and its pinned dependencies, as a virtual environment without pip -------------------------------------------------
FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends binutils ca-certificates python3 python3-pip python3-venv \
    && python3 -m venv --without-pip /usr/lib/gitsync
WORKDIR /src
COPY constraints.txt ./
# The dependencies come first: a change of the program alone leaves this layer as it is. What debuggers read of cryptography are 3 MB.
RUN pip --python /usr/lib/gitsync/bin/python3 install --no-cache-dir --no-compile --no-deps -r constraints.txt \
    && find /usr/lib/gitsync/lib -name '*.so' -exec strip --strip-unneeded '{}' +
COPY constraints-dev.txt pyproject.toml README.md LICENSE ./
COPY gitsync ./gitsync
# --no-deps, then check: constraints.txt has to name every dependency. Compiled here, and never checked against the sources' times
# again, because at run time the root filesystem may be read-only. -OO leaves out documentation strings, which are 2 MB of memory.
# Times would make a layer of the same files another one.
RUN PIP_CONSTRAINT=constraints-dev.txt \
        pip --python /usr/lib/gitsync/bin/python3 install --no-cache-dir --no-compile --no-deps . \
    && pip --python /usr/lib/gitsync/bin/python3 check \
    # Of cffi cryptography needs at run time the module in C.
    && rm -rf /usr/lib/gitsync/lib/python3*/site-packages/cffi /usr/lib/gitsync/lib/python3*/site-packages/pycparser \
    && find /usr/lib/gitsync/lib -type d '(' -name test -o -name tests ')' -prune -exec rm -rf '{}' + \
    && /usr/lib/gitsync/bin/python3 -OO -m compileall -q --invalidation-mode unchecked-hash /usr/lib/gitsync/lib \
    && mkdir -p /made/usr/lib \
    && mv /usr/lib/gitsync /made/usr/lib/ \
    && find /made -exec touch -h -d @0 '{}' +

# --- Debian with what the program runs --------------------------------------------------------------------------------------------
FROM ${BASE} AS debian
RUN touch /begun \
    && apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git libnss-wrapper openssh-client python3 tini \
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
    && chmod 0755 /git-sync \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/ldconfig/* /var/log/*

# --- The same without what nothing here runs ---------------------------------------------------------------------------------------
FROM debian AS cut
# Packages: what installs packages; Perl, in which no command of git that stays is written; accounts, devices, mounts and terminals. dpkg
# knows what is left, and so do scanners. What of these is not there in the base is no error.
RUN dpkg-query -W -f '${Package}\n' adduser apt 'debconf*' debian-archive-keyring git-man init-system-helpers 'libapt-pkg*' 'libaudit*' \
        'libblkid*' 'libbsd*' 'libcbor*' 'libdb5*' 'libdebconf*' 'libedit*' 'liberror-perl' 'libfido2*' 'libgdbm*' 'liblastlog*' \
        'liblz4*' 'libmount*' 'libncursesw*' 'libpam*' 'libperl*' 'libsasl2-modules*' 'libseccomp*' 'libsemanage*' 'libsepol*' \
        'libsmartcols*' 'libstdc++*' 'libsystemd*' 'libudev*' 'libxxhash*' 'login*' mount ncurses-bin passwd 'perl*' \
        sqv 'sysvinit*' 2>/dev/null \
    | sort -r | xargs dpkg --purge --force-depends --force-remove-essential --force-remove-protected 2>/dev/null \
    # Of git stay the parts of a client, of ssh the one for a host and its keys, of OpenSSL the libraries and where they look.
    && cd /usr/lib/git-core \
    && ln -sf ../../bin/git git \
    && rm -rf git-daemon git-http-backend git-http-fetch git-http-push git-imap-send git-instaweb git-shell scalar \
        /usr/bin/git-shell /usr/bin/scalar /usr/share/gitweb /usr/share/git-core/contrib /usr/share/perl5 \
        /usr/bin/openssl /usr/bin/c_rehash /usr/bin/scp /usr/bin/sftp /usr/bin/ssh-a* /usr/lib/openssh \
    # Of Python goes what tests it, installs packages or is for a terminal; of libraries what computes with vectors, compresses, makes locales, and
    # the character sets of mainframes.
    && cd /usr/lib/python3.* \
    && rm -rf test pydoc_data ensurepip idlelib _pyrepl curses lib-dynload/*test* \
        /usr/lib/*-linux-gnu/libmvec.so.* /usr/lib/*-linux-gnu/libbrotlienc.so.* \
        /usr/lib/*-linux-gnu/gconv/IBM1[34]* /usr/lib/*-linux-gnu/gconv/IBM9[34]* /usr/lib/*-linux-gnu/gconv/EBCDIC* /usr/bin/localedef /usr/bin/tini-static /usr/share/bash-completion /usr/share/lintian /usr/share/man \
    # Copyright files and the records of what is installed stay; what only the making of packages asks for does not.
    && find /usr/share/doc -type f ! -name copyright -delete \
    && cd /var/lib/dpkg \
    && rm -rf *-old available info/*.shlibs info/*.symbols info/*.templates \
        /usr/bin/dpkg-[dmrst]* /usr/bin/update-alternatives /usr/sbin/start-stop-daemon \
        /etc/*shadow* /etc/group- /etc/passwd- /var/cache/debconf/* /var/cache/ldconfig/* /var/log/* \
    # Programs and modules that miss a library now.
    && find /usr/bin /usr/sbin /usr/lib/python3* -type f -exec sh -c 'ldd "$1" 2>/dev/null | grep -q "not found"' sh '{}' ';' -delete \
    # Times would make a layer of the same files another one.
    && find /etc /git* /run /tmp /usr /var -newer /begun ! -name hosts ! -name resolv.conf -exec touch -h -d @0 '{}' + \
    && rm /begun
FROM scratch AS slim
COPY --from=cut / /

# --- What runs --------------------------------------------------------------------------------------------------------------------
FROM ${SYSTEM}
COPY --from=build /made /
# The last three keep memory down: no documentation strings, one heap for all threads, and what is free goes back to the system.
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    GITSYNC_ROOT=/git \
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
