"""Token endpoints for the tests of Azure and Google identities, on a free loopback port.

Authlib does the work of an authorization server: it verifies the signature and the claims
of assertions, client secrets and refresh tokens, and issues the tokens. The metadata
services are a few lines beside it, in the shapes their documentation gives.

Writes one line of JSON when it is ready: where it is, and the keys that it knows. Ends
when its standard input does. The word NAME in a path is a test's own; GET /seen/NAME tells
how often it asked for a token and which tokens were issued to it.
"""

import json
import logging
import os
import sys
import threading
import time

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwk, jwt
from werkzeug.serving import make_server

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
SERVICE_ACCOUNT = "robot@project.iam.gserviceaccount.com"
KEY_ID = "key-1"

app = flask.Flask(__name__)
lock = threading.Lock()
seen = {}


class Client:
    """An application: how it authenticates, and which scopes it may ask for."""

    def __init__(self, name, method, scopes, secret=None):
        self.name, self.method, self.scopes, self.secret = name, method, scopes, secret

    def get_client_id(self):
        return self.name

    def check_client_secret(self, secret):
        return self.secret is not None and secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.method

    def check_grant_type(self, grant_type):
        return True

    def get_allowed_scope(self, scope):
        if not scope:
            return ""
        return scope if scope in self.scopes else None


AZURE_SCOPES = (
    "https://cognitiveservices.azure.com/.default",
    "https://ai.azure.com/.default",
    "api://chosen/.default",
)
CLIENTS = [
    Client(SERVICE_ACCOUNT, "none", ()),
    Client("application", "client_secret_post", AZURE_SCOPES, "secret of the application"),
    Client("workload", "client_assertion_jwt", AZURE_SCOPES),
    Client("gcloud", "client_secret_post", (), "secret of gcloud"),
]
REFRESH_TOKEN = "1//refresh-token-of-ada"


def find_client(name):
    return next((client for client in CLIENTS if client.name == name), None)


def new_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, form):
    encoded = key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )
    return encoded.decode()


def public(key, key_id=None):
    spki = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return jwk.import_key(spki, "RSA", {"kid": key_id} if key_id else None)


account_key, federation_key = new_key(), new_key()


class Assertion(JWTBearerGrant):
    """Google's: the assertion is dated now, for at most an hour, and names its scope."""

    def get_audiences(self):
        return [flask.request.base_url]

    def resolve_issuer_client(self, issuer):
        return find_client(issuer)

    def resolve_client_public_key(self, client):
        return public(account_key, KEY_ID)

    def has_granted_permission(self, client, user):
        return True

    def process_assertion_claims(self, assertion):
        headers, _ = self.extract_assertion(assertion)
        claims = super().process_assertion_claims(assertion)
        if headers.get("kid") != KEY_ID or headers.get("alg") != "RS256":
            raise InvalidGrantError("the header is wrong")
        if claims.get("scope") != CLOUD_PLATFORM:
            raise InvalidScopeError()
        if not claims["iat"] <= time.time() < claims["exp"] <= claims["iat"] + 3600:
            raise InvalidGrantError("the times are wrong")
        return claims


class Application(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post", "client_assertion_jwt"]


class Login(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_post"]

    def authenticate_refresh_token(self, refresh_token):
        if refresh_token != REFRESH_TOKEN:
            return None
        credential = flask.g.credential = type("Credential", (), {})()
        credential.check_client = lambda client: client.name == "gcloud"
        credential.get_scope = lambda: ""
        return credential

    def authenticate_user(self, credential):
        return "ada"

    def revoke_old_credential(self, credential):
        pass


class Workload(JWTBearerClientAssertion):
    def get_audiences(self):
        return ["api://AzureADTokenExchange"]

    def resolve_client_public_key(self, client):
        return public(federation_key)


def save_token(token, request):
    note(flask.request.view_args["name"], token["access_token"])


def note(name, token):
    with lock:
        seen.setdefault(name, {"requests": 0, "tokens": []})["tokens"].append(token)


def new_token(**_):
    return "issued." + os.urandom(24).hex()


server = AuthorizationServer(app, query_client=find_client, save_token=save_token)
lifetime = lambda client, grant_type: int(flask.request.view_args["lifetime"])
server.register_token_generator(
    "default", BearerTokenGenerator(new_token, expires_generator=lifetime)
)
server.register_client_auth_method(
    Workload.CLIENT_AUTH_METHOD, Workload(validate_jti=False)
)
for grant in (Assertion, Application, Login):
    server.register_grant(grant)


@app.before_request
def count():
    name = (flask.request.view_args or {}).get("name")
    if name and flask.request.endpoint != "tell":
        with lock:
            seen.setdefault(name, {"requests": 0, "tokens": []})["requests"] += 1


@app.post("/google/<name>/<lifetime>/token")
@app.post("/azure/<name>/<lifetime>/tenant-1/oauth2/v2.0/token")
def token(name, lifetime):
    # Long enough for calls that start together to meet.
    time.sleep(0.2)
    return server.create_token_response()


@app.get("/imds/<name>/metadata/identity/oauth2/token")
def imds(name):
    query = flask.request.args
    if flask.request.headers.get("metadata") != "true":
        return {"error": "invalid_request", "error_description": "no metadata header"}, 400
    if query.get("api-version") != "2018-02-01":
        return {"error": "bad_request"}, 400
    if query.get("client_id", "assigned") != "assigned":
        return {"error": "invalid_request", "error_description": "Identity not found"}, 400
    issued = new_token()
    note(name, issued)
    return {
        "access_token": issued,
        "client_id": "assigned",
        "expires_in": "86399",
        "expires_on": str(int(time.time()) + 86399),
        "ext_expires_in": "86399",
        "not_before": str(int(time.time())),
        "resource": query["resource"],
        "token_type": "Bearer",
    }


@app.get("/app-service/<name>/msi/token")
def app_service(name):
    query = flask.request.args
    if flask.request.headers.get("x-identity-header") != "secret of the app":
        return {"statusCode": 403, "message": "Forbidden"}, 403
    if query.get("api-version") != "2019-08-01" or "resource" not in query:
        return {"statusCode": 400, "message": "Bad Request"}, 400
    issued = new_token()
    note(name, issued)
    return {
        "access_token": issued,
        "client_id": query.get("client_id"),
        "expires_on": str(int(time.time()) + 3600),
        "resource": query["resource"],
        "token_type": "Bearer",
    }


@app.get("/computeMetadata/v1/instance/service-accounts/default/token")
def metadata():
    if flask.request.headers.get("metadata-flavor") != "Google":
        return "Missing Metadata-Flavor:Google header.", 403
    if flask.request.args.get("scopes") != CLOUD_PLATFORM:
        return "Bad scopes.", 400
    issued = new_token()
    note("metadata", issued)
    body = {"access_token": issued, "expires_in": 3599, "token_type": "Bearer"}
    return body, 200, {"Metadata-Flavor": "Google"}


@app.get("/seen/<name>")
def tell(name):
    with lock:
        return seen.get(name, {"requests": 0, "tokens": []})


def federated_token():
    now = int(time.time())
    claims = {
        "iss": "workload",
        "sub": "workload",
        "aud": "api://AzureADTokenExchange",
        "iat": now,
        "exp": now + 3600,
    }
    return jwt.encode({"alg": "RS256"}, claims, jwk.import_key(pem(federation_key, PKCS8), "RSA"))


PKCS8 = serialization.PrivateFormat.PKCS8
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL


def main():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    listening = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    ready = {
        "url": f"http://127.0.0.1:{listening.port}",
        "client_email": SERVICE_ACCOUNT,
        "private_key_id": KEY_ID,
        "pkcs8": pem(account_key, PKCS8),
        "pkcs1": pem(account_key, PKCS1),
        "unknown_key": pem(new_key(), PKCS8),
        "federated_token": federated_token(),
        "refresh_token": REFRESH_TOKEN,
    }
    print(json.dumps(ready), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
