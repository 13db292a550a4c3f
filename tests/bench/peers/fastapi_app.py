# SPDX-License-Identifier: MIT
#
# What a FastAPI user would run: the signature checked, the payload parsed,
# the work a background task that does nothing. Answers from memory.
#   BENCH_SECRET=... uvicorn --port PORT fastapi_app:app
import hashlib
import hmac
import json
import os

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request

app = FastAPI()
secret = os.environ["BENCH_SECRET"].encode()


def handle(payload: dict) -> None:
    """The work of a webhook: none."""


@app.post("/webhooks/github", status_code=202)
async def webhook(request: Request, tasks: BackgroundTasks) -> dict:
    body = await request.body()
    want = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
    got = request.headers.get("x-hub-signature-256", "")
    if not hmac.compare_digest(want, got):
        raise HTTPException(status_code=403)
    tasks.add_task(handle, json.loads(body))
    return {"status": "accepted"}
