// What cdk-nag asks for and is not done, each with its reason. What is not here fails the synthesis.
import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

import type { System } from './system.js';

const REASONS = {
  'S1': 'Who fetches a video is in the services’ own logs; access logs of S3 would cost more than they tell.',
  'COG2': 'A second factor for who turns a video into frames is more than what is at stake.',
  'COG8': 'The Plus tier costs more a user than all the rest; sign-in is throttled by Cognito itself.',
  'APIG4': 'Signing up, confirming, logging in and refreshing come before there is a token.',
  'IAM4': 'EKS needs its own managed policies: they follow what it does.',
  'IAM5': 'A prefix: of a bucket, where users make the objects; of the roles that `cdk bootstrap` made. A token for ECR is of no resource.',
  'CFR1': 'The page is for everywhere.',
  'CFR2': 'Static files, read only: there is nothing that a firewall would keep out.',
  'CFR3': 'Static files, read only: who reads them is not kept.',
  'CFR4': 'A domain of one’s own, with a certificate, sets TLS 1.2; CloudFront’s own domain cannot.',
} as const;

/** What EKS wants its own role and its nodes' to have, in Auto Mode and with managed nodes. */
const EKS_POLICIES = [
  'AmazonEKSClusterPolicy',
  'AmazonEKSComputePolicy',
  'AmazonEKSBlockStoragePolicy',
  'AmazonEKSLoadBalancingPolicy',
  'AmazonEKSNetworkingPolicy',
  'AmazonEKSWorkerNodePolicy',
  'AmazonEKS_CNI_Policy',
  'AmazonEC2ContainerRegistryReadOnly',
];

export function acknowledge({ data, functions, cluster, page, release }: System): void {
  const because = (construct: IConstruct | undefined, rule: keyof typeof REASONS, finding = ''): void => {
    if (construct) Validations.of(construct).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}${finding}`, reason: REASONS[rule] });
  };
  because(data.bucket, 'S1');
  because(data.pool, 'COG2');
  because(data.pool, 'COG8');
  because(functions, 'APIG4');
  for (const prefix of ['uploads', 'frames']) {
    const finding = `[Resource::arn:<AWS::Partition>:s3:::${data.bucketName}/${prefix}/*]`;
    because(functions, 'IAM5', finding);
    because(cluster, 'IAM5', finding);
  }
  because(release, 'IAM5', '[Resource::arn:<AWS::Partition>:iam::<AWS::AccountId>:role/cdk-hnb659fds-*]');
  because(release, 'IAM5', '[Resource::*]');
  for (const policy of EKS_POLICIES) because(cluster, 'IAM4', `[Policy::arn:<AWS::Partition>:iam::aws:policy/${policy}]`);
  for (const rule of ['S1', 'CFR1', 'CFR2', 'CFR3', 'CFR4'] as const) because(page, rule);
}
