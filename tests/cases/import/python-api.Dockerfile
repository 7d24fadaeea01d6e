FROM python:3.13-slim
ENV PYTHONUNBUFFERED=1 \
    PATH="/opt/venv/bin:$PATH" \
    APP_HOME=/srv/api
WORKDIR $APP_HOME
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
RUN <<EOF
apt-get update
apt-get install -y --no-install-recommends libpq5
rm -rf /var/lib/apt/lists/*
mkdir -p /var/log/api
EOF
COPY . .
RUN groupadd api && useradd -g api -m api && chown -R api:api $APP_HOME
USER api
EXPOSE ${PORT:-8000}
HEALTHCHECK --interval=1m --start-interval=2s CMD curl -f http://localhost:8000/health || exit 1
CMD uvicorn api.main:app --host 0.0.0.0 --port 8000
