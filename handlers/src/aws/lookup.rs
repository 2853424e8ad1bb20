//! Finding resources by their names: asked of AWS once, then remembered.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName;
use fotograma_core::{Error, Result};
use tokio::sync::{Mutex, OnceCell};

use super::Aws;
use super::error::{missing_from_answer, sdk_error};

/// What has been found already.
#[derive(Debug, Default)]
pub(super) struct Found {
    queue_urls: Mutex<HashMap<String, String>>,
    topic_arn: OnceCell<String>,
    user_pool_id: OnceCell<String>,
    client_id: OnceCell<String>,
}

impl Aws {
    /// The address of a queue, by its resource name.
    ///
    /// # Errors
    /// When there is no such queue, or SQS cannot be asked.
    pub async fn queue_url(&self, resource: &str) -> Result<String> {
        if let Some(url) = self.settings.queue_urls.get(resource) {
            return Ok(url.clone());
        }
        if let Some(url) = self.found.queue_urls.lock().await.get(resource) {
            return Ok(url.clone());
        }
        let name = self.settings.name(resource);
        let output = self.sqs().get_queue_url().queue_name(&name).send().await;
        let url = output
            .map_err(|error| sdk_error(&format!("sqs GetQueueUrl {name}"), &error))?
            .queue_url
            .ok_or_else(|| missing("queue", &name))?;
        self.found
            .queue_urls
            .lock()
            .await
            .insert(resource.to_owned(), url.clone());
        Ok(url)
    }

    /// The ARN of a queue, by its resource name.
    ///
    /// # Errors
    /// When there is no such queue, or SQS cannot be asked.
    pub async fn queue_arn(&self, resource: &str) -> Result<String> {
        let get = self.sqs().get_queue_attributes();
        let output = get
            .queue_url(self.queue_url(resource).await?)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map_err(|error| sdk_error("sqs GetQueueAttributes", &error))?;
        output
            .attributes
            .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
            .ok_or_else(|| missing_from_answer("sqs GetQueueAttributes", "QueueArn"))
    }

    /// The topic's ARN.
    ///
    /// # Errors
    /// When there is no such topic, or SNS cannot be asked.
    pub async fn topic_arn(&self) -> Result<&str> {
        if let Some(arn) = &self.settings.topic_arn {
            return Ok(arn);
        }
        self.found
            .topic_arn
            .get_or_try_init(|| self.find_topic())
            .await
            .map(String::as_str)
    }

    async fn find_topic(&self) -> Result<String> {
        let name = self.settings.topic_name();
        let mut pages = self.sns().list_topics().into_paginator().items().send();
        while let Some(topic) = pages.next().await {
            let topic = topic.map_err(|error| sdk_error("sns ListTopics", &error))?;
            if let Some(arn) = topic.topic_arn
                && arn.rsplit(':').next() == Some(&name)
            {
                return Ok(arn);
            }
        }
        Err(missing("topic", &name))
    }

    /// The user pool's id.
    ///
    /// # Errors
    /// When there is no such pool, or Cognito cannot be asked.
    pub async fn user_pool_id(&self) -> Result<&str> {
        if let Some(id) = &self.settings.user_pool_id {
            return Ok(id);
        }
        self.found
            .user_pool_id
            .get_or_try_init(|| self.find_pool())
            .await
            .map(String::as_str)
    }

    async fn find_pool(&self) -> Result<String> {
        let name = self.settings.user_pool_name();
        self.pool_named(&name)
            .await?
            .ok_or_else(|| missing("user pool", &name))
    }

    /// The id of the pool with this name.
    pub(super) async fn pool_named(&self, name: &str) -> Result<Option<String>> {
        let list = self.cognito().list_user_pools().max_results(60);
        let mut pages = list.into_paginator().items().send();
        while let Some(pool) = pages.next().await {
            let pool = pool.map_err(|error| sdk_error("cognito-idp ListUserPools", &error))?;
            if pool.name.as_deref() == Some(name) {
                return Ok(pool.id);
            }
        }
        Ok(None)
    }

    /// The id of the pool's app client.
    ///
    /// # Errors
    /// When there is no such client, or Cognito cannot be asked.
    pub async fn client_id(&self) -> Result<&str> {
        if let Some(id) = &self.settings.client_id {
            return Ok(id);
        }
        self.found
            .client_id
            .get_or_try_init(|| self.find_client())
            .await
            .map(String::as_str)
    }

    async fn find_client(&self) -> Result<String> {
        let name = self.settings.client_name();
        let pool = self.user_pool_id().await?;
        self.client_named(pool, &name)
            .await?
            .ok_or_else(|| missing("app client", &name))
    }

    /// The id of the pool's client with this name.
    pub(super) async fn client_named(&self, pool: &str, name: &str) -> Result<Option<String>> {
        let list = self
            .cognito()
            .list_user_pool_clients()
            .user_pool_id(pool)
            .max_results(60);
        let mut pages = list.into_paginator().items().send();
        while let Some(client) = pages.next().await {
            let client =
                client.map_err(|error| sdk_error("cognito-idp ListUserPoolClients", &error))?;
            if client.client_name.as_deref() == Some(name) {
                return Ok(client.client_id);
            }
        }
        Ok(None)
    }
}

fn missing(kind: &str, name: &str) -> Error {
    Error::operational(format!("there is no {kind} named {name}"))
}
