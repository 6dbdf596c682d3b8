"""Gives a moto server a user, its key, and a role that only this user may assume with an
external id; from then on moto checks signatures and policies. Prints them as JSON.

    python moto_iam.py http://127.0.0.1:PORT
"""

import json
import sys
import urllib.request

import boto3

endpoint = sys.argv[1]
iam = boto3.client(
    "iam",
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="setup",
    aws_secret_access_key="setup",
)


def policy(actions, **more):
    statement = {"Effect": "Allow", "Action": actions, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


user = iam.create_user(UserName="host")["User"]
key = iam.create_access_key(UserName="host")["AccessKey"]
iam.put_user_policy(
    UserName="host",
    PolicyName="assume",
    PolicyDocument=policy(["sts:AssumeRole", "sts:GetCallerIdentity"], Resource="*"),
)
trust = policy("sts:AssumeRole", Principal={"AWS": user["Arn"]})
role = iam.create_role(RoleName="bedrock", AssumeRolePolicyDocument=trust)["Role"]
iam.put_role_policy(
    RoleName="bedrock",
    PolicyName="invoke",
    PolicyDocument=policy(["bedrock:InvokeModel", "sts:GetCallerIdentity"], Resource="*"),
)
# Without a type of its own the body would be taken for a form.
plain = {"content-type": "text/plain"}
request = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", b"0", plain)
urllib.request.urlopen(request).read()
print(json.dumps({
    "access_key": key["AccessKeyId"],
    "secret_key": key["SecretAccessKey"],
    "role_arn": role["Arn"],
}))
