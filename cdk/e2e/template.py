"""What a synthesised template says, with its references resolved for an emulator."""

import json

from gate import ACCOUNT, REGION

PSEUDO = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}


class Templates:
    """The templates of an app, which may import from each other."""

    def __init__(self, folder, pool_id, issuer=None):
        self.pool_id, self.issuer = pool_id, issuer
        self.resources, self.exports = {}, {}
        for path in folder.glob("*.template.json"):
            template = json.loads(path.read_text())
            self.resources[path.name.split(".")[0]] = template["Resources"]
            for output in template.get("Outputs", {}).values():
                if "Export" in output:
                    self.exports[output["Export"]["Name"]] = (path.name.split(".")[0], output["Value"])

    def roles(self, stack):
        """The statements of each function's role, by the function's handler."""
        functions = [function for _, function in self._of(stack, "AWS::Lambda::Function")]
        return {f["Handler"]: self._statements(stack, f["Role"]["Fn::GetAtt"][0]) for f in functions}

    def pods(self, stack):
        """Who may take each role that has a name, and its statements: {name: (trust policy, statements)}."""
        named = [(i, role) for i, role in self._of(stack, "AWS::IAM::Role") if "RoleName" in role]
        return {
            role["RoleName"]: (
                self.resolved(stack, role["AssumeRolePolicyDocument"]),
                self._statements(stack, logical),
            )
            for logical, role in named
        }

    def _of(self, stack, kind):
        resources = self.resources[stack].items()
        return [(logical, r.get("Properties", {})) for logical, r in resources if r["Type"] == kind]

    def _statements(self, stack, role):
        return [
            {**statement, "Resource": self.resolve(stack, statement["Resource"])}
            for _, policy in self._of(stack, "AWS::IAM::Policy")
            if {"Ref": role} in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def resolved(self, stack, document):
        """A document with all references in it resolved."""
        if isinstance(document, dict) and (len(document) != 1 or not next(iter(document)).startswith(("Fn::", "Ref"))):
            return {key: self.resolved(stack, value) for key, value in document.items()}
        if isinstance(document, list):
            return [self.resolved(stack, item) for item in document]
        return self.resolve(stack, document)

    def resolve(self, stack, value):
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return [self.resolve(stack, item) for item in value]
        ((function, argument),) = value.items()
        if function == "Fn::ImportValue":
            return self.resolve(*self.exports[argument])
        if function == "Fn::Join":
            return argument[0].join(self.resolve(stack, part) for part in argument[1])
        if function == "Ref" and argument in PSEUDO:
            return PSEUDO[argument]
        if function == "Ref":
            return self.name(stack, argument)
        if function == "Fn::Select":
            return self.resolve(stack, argument[1])[int(argument[0])]
        if function == "Fn::Split":
            return self.resolve(stack, argument[1]).split(argument[0])
        if function == "Fn::GetAtt" and argument[1] == "OpenIdConnectIssuerUrl" and self.issuer:
            return self.issuer
        if function == "Fn::GetAtt" and argument[1] == "Value":
            # CDK's way to write a key that is known only when deployed.
            written = self.resources[stack][argument[0]]["Properties"]["Value"]
            return json.loads(self.resolve(stack, written))
        if function == "Fn::GetAtt" and argument[1] in ("Arn", "TopicArn"):
            return self.arn(stack, argument[0])
        raise ValueError(f"{function} {argument}")

    def name(self, stack, logical):
        """What `Ref` gives."""
        resource = self.resources[stack][logical]
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::SNS::Topic":
            return self.arn(stack, logical)
        names = ("BucketName", "QueueName", "TableName", "EmailIdentity", "LogGroupName")
        return next(properties[name] for name in names if name in properties)

    def arn(self, stack, logical):
        resource = self.resources[stack][logical]
        properties, place = resource.get("Properties", {}), f"{REGION}:{ACCOUNT}"
        match resource["Type"]:
            case "AWS::S3::Bucket":
                return f"arn:aws:s3:::{properties['BucketName']}"
            case "AWS::SQS::Queue":
                return f"arn:aws:sqs:{place}:{properties['QueueName']}"
            case "AWS::DynamoDB::Table":
                return f"arn:aws:dynamodb:{place}:table/{properties['TableName']}"
            case "AWS::SNS::Topic":
                return f"arn:aws:sns:{place}:{properties['TopicName']}"
            case "AWS::Cognito::UserPool":
                return f"arn:aws:cognito-idp:{place}:userpool/{self.pool_id}"
            case "AWS::Logs::LogGroup":
                return f"arn:aws:logs:{place}:log-group:{properties['LogGroupName']}:*"
            case "AWS::IAM::OIDCProvider" if self.issuer:
                return f"arn:aws:iam::{ACCOUNT}:oidc-provider/{self.issuer.removeprefix('https://')}"
            case kind:
                raise ValueError(f"no ARN is known of a {kind}")
