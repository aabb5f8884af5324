"""A small shop that tells Buddy who its visitors are."""

import os
import sys
from typing import Annotated

import uvicorn
from fastapi import FastAPI, Form, HTTPException, Request
from starlette.middleware.sessions import SessionMiddleware

from buddy_verify import MemoryStore
from buddy_verify.fastapi import identity_endpoint, session_endpoint

if not os.environ.get("BUDDY_SECRET"):
    sys.exit("BUDDY_SECRET is not set: give the callback secret that Buddy showed for the agent.")

ACCOUNTS = {"ada": "ada-1815", "grace": "grace-1906"}
USERS = {
    "ada-1815": {
        "userId": "ada-1815",
        "email": "ada@shop.example",
        "role": "customer",
        "customAttributes": {"plan": "gold"},
    },
    "grace-1906": {
        "userId": "grace-1906",
        "email": "grace@shop.example",
        "role": "customer",
        "customAttributes": {"plan": "silver"},
    },
}

app = FastAPI()
# Signs the cookie. A real shop keeps one, so that a restart signs nobody out.
app.add_middleware(SessionMiddleware, secret_key=os.urandom(32).hex(), same_site="lax")


@app.post("/login", status_code=204)
async def login(request: Request, user: Annotated[str, Form()] = "") -> None:
    if user not in ACCOUNTS:
        raise HTTPException(400, "no such user")
    request.session["user_id"] = ACCOUNTS[user]


@app.post("/logout", status_code=204)
async def logout(request: Request) -> None:
    request.session.clear()


# [identity]
secrets = [os.environ[name] for name in ("BUDDY_SECRET", "BUDDY_OLD_SECRET") if os.environ.get(name)]
store = MemoryStore()


async def user_of(session_id: str):
    return USERS.get(store.find(session_id))


app.add_api_route("/buddy/identity", identity_endpoint(secrets, user_of), methods=["POST"])
# [/identity]


# [session]
async def signed_in_user(request: Request):
    return request.session.get("user_id")


app.add_api_route("/buddy/session", session_endpoint(secrets[0], store, signed_in_user), methods=["POST"])
# [/session]


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
