"""What a synthesised template says, with its references resolved for an emulator."""

import json

from gate import ACCOUNT, REGION

PSEUDO = {"AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}


class Templates:
    """The templates of an app, which may import from each other."""

    def __init__(self, folder, pool_id):
        self.pool_id = pool_id
        self.resources, self.exports = {}, {}
        for path in folder.glob("*.template.json"):
            template = json.loads(path.read_text())
            self.resources[path.name.split(".")[0]] = template["Resources"]
            for output in template.get("Outputs", {}).values():
                if "Export" in output:
                    self.exports[output["Export"]["Name"]] = (path.name.split(".")[0], output["Value"])

    def roles(self, stack):
        """The statements of each function's role, by the function's handler."""
        resources = self.resources[stack]
        by_role = {}
        for resource in resources.values():
            if resource["Type"] != "AWS::IAM::Policy":
                continue
            for role in resource["Properties"]["Roles"]:
                statements = resource["Properties"]["PolicyDocument"]["Statement"]
                by_role.setdefault(role["Ref"], []).extend(
                    {**s, "Resource": self.resolve(stack, s["Resource"])} for s in statements
                )
        functions = [r["Properties"] for r in resources.values() if r["Type"] == "AWS::Lambda::Function"]
        return {f["Handler"]: by_role.get(f["Role"]["Fn::GetAtt"][0], []) for f in functions}

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
            case kind:
                raise ValueError(f"no ARN is known of a {kind}")
