# The pinned environment and the code. Not built by us: no machine here reaches an image registry; tests/unit/test_pages.py reads this file,
# and `make env` is what every other installation runs.
#   docker build -t pathattr .
#   docker run --rm -it -v "$PWD/results:/home/pathattr/pathattr/results" pathattr snakemake --cores all results/claims/lpi.e1.json
#   docker run --rm -it -v "$PWD/results:/home/pathattr/pathattr/results" pathattr
# results/ must be writable for user 1000 there. For a fixed base, name its digest: python:3.11-slim-bookworm@sha256:...
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 1000 pathattr && install -d -o pathattr -g pathattr /home/pathattr/pathattr
USER pathattr
WORKDIR /home/pathattr/pathattr
COPY --chown=pathattr:pathattr Makefile requirements.txt requirements-lock.txt ./
RUN make env
ENV PATH="/home/pathattr/pathattr/.venv/bin:$PATH"
COPY --chown=pathattr:pathattr . ./
CMD ["make"]
