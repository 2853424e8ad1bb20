// A cluster for the services as pods, with a role for each service's account.
//
// Synthesised and checked here, never created: no emulator makes a VPC or a cluster.
import { CfnJson, CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as eks from 'aws-cdk-lib/aws-eks-v2';
import { CfnPodIdentityAssociation } from 'aws-cdk-lib/aws-eks';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

import type { DataStack } from './data-stack.js';
import type { Table } from './features.js';
import { named } from './names.js';
import { polling, statements } from './permissions.js';
import type { Settings } from './settings.js';

/** The namespace of k8s/base. */
export const NAMESPACE = 'fotograma';

export interface ClusterStackProps extends StackProps {
  table: Table;
  settings: Settings;
  data: DataStack;
}

export class ClusterStack extends Stack {
  readonly roles = new Map<string, iam.Role>();

  constructor(scope: Construct, id: string, props: ClusterStackProps) {
    super(scope, id, props);
    const { settings, table, data } = props;
    const vpc = new ec2.Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: 1,
      flowLogs: { rejected: { trafficType: ec2.FlowLogTrafficType.REJECT } },
      // The traffic of videos does not go through, and is not paid at, the NAT gateway.
      gatewayEndpoints: {
        s3: { service: ec2.GatewayVpcEndpointAwsService.S3 },
        dynamodb: { service: ec2.GatewayVpcEndpointAwsService.DYNAMODB },
      },
    });
    const managed = settings.nodes === 'managed';
    const cluster = new eks.Cluster(this, 'Cluster', {
      clusterName: named(settings.stage, 'cluster'),
      vpc,
      version: eks.KubernetesVersion.of('1.34'),
      defaultCapacityType: managed ? eks.DefaultCapacityType.NODEGROUP : eks.DefaultCapacityType.AUTOMODE,
      defaultCapacity: managed ? 2 : undefined,
      defaultCapacityInstance: managed ? new ec2.InstanceType(settings.architecture === 'arm64' ? 'm7g.large' : 'm7i.large') : undefined,
      clusterLogging: [eks.ClusterLoggingTypes.API, eks.ClusterLoggingTypes.AUDIT, eks.ClusterLoggingTypes.AUTHENTICATOR, eks.ClusterLoggingTypes.CONTROLLER_MANAGER, eks.ClusterLoggingTypes.SCHEDULER],
    });
    const provider = settings.podRoles === 'irsa' ? this.tokensOf(cluster) : undefined;

    for (const { name } of table.services) {
      const role = new iam.Role(this, `${name}-role`, {
        roleName: named(settings.stage, name),
        description: `What the pods of ${name} may do`,
        assumedBy: provider ? this.webIdentity(provider, cluster, name) : podIdentity(),
      });
      for (const feature of table.features.filter(({ service }) => service === name)) {
        for (const statement of [...statements(feature, data), ...polling(feature, data)]) role.addToPolicy(statement);
      }
      if (!provider) {
        new CfnPodIdentityAssociation(this, `${name}-association`, {
          clusterName: cluster.clusterName,
          namespace: NAMESPACE,
          serviceAccount: name,
          roleArn: role.roleArn,
        });
      }
      this.roles.set(name, role);
      new CfnOutput(this, `Role-${name}`, { value: role.roleArn });
    }
    this.scaler(table, data, settings, provider, cluster);
    new CfnOutput(this, 'ClusterName', { value: cluster.clusterName });
  }

  /** KEDA's operator looks at the depth of the job queue, and no more. */
  private scaler(table: Table, data: DataStack, settings: Settings, provider: iam.CfnOIDCProvider | undefined, cluster: eks.Cluster): void {
    const role = new iam.Role(this, 'keda-role', {
      roleName: named(settings.stage, 'keda'),
      assumedBy: provider ? this.webIdentity(provider, cluster, 'keda-operator', 'keda') : podIdentity(),
    });
    const queues = table.features.flatMap(({ service, trigger }) => (service === 'video-processor' && trigger.type === 'sqs' ? [trigger.queue] : []));
    role.addToPolicy(
      new iam.PolicyStatement({ actions: ['sqs:GetQueueAttributes'], resources: queues.map((queue) => data.queue(queue).queueArn) }),
    );
    if (!provider) {
      new CfnPodIdentityAssociation(this, 'keda-association', {
        clusterName: cluster.clusterName,
        namespace: 'keda',
        serviceAccount: 'keda-operator',
        roleArn: role.roleArn,
      });
    }
    new CfnOutput(this, 'Role-keda', { value: role.roleArn });
  }

  /** Lets IAM believe the tokens that this cluster gives its service accounts. */
  private tokensOf(cluster: eks.Cluster): iam.CfnOIDCProvider {
    return new iam.CfnOIDCProvider(this, 'Tokens', {
      url: cluster.clusterOpenIdConnectIssuerUrl,
      clientIdList: ['sts.amazonaws.com'],
    });
  }

  private webIdentity(provider: iam.CfnOIDCProvider, cluster: eks.Cluster, serviceAccount: string, namespace = NAMESPACE): iam.WebIdentityPrincipal {
    // A condition's key cannot hold what is known only at deployment, hence CfnJson.
    const issuer = Fn.select(1, Fn.split('//', cluster.clusterOpenIdConnectIssuerUrl));
    const conditions = new CfnJson(this, `${serviceAccount}-trust`, {
      value: {
        [`${issuer}:aud`]: 'sts.amazonaws.com',
        [`${issuer}:sub`]: `system:serviceaccount:${namespace}:${serviceAccount}`,
      },
    });

    return new iam.WebIdentityPrincipal(provider.attrArn, { StringEquals: conditions });
  }
}

function podIdentity(): iam.IPrincipal {
  return new iam.SessionTagsPrincipal(new iam.ServicePrincipal('pods.eks.amazonaws.com'));
}
