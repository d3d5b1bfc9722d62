//! What a typed call says: names and values, and nothing for what is not said.

use serde_json::{Map, Value};

use super::actions::Action;
use super::client::{Client, Params};
use super::envelope::Answer;
use super::error::CallError;

/// Parameters by name.
#[derive(Debug, Default)]
pub(super) struct Given(Map<String, Value>);

impl Given {
    /// Says one thing.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Says it, if there is anything to say.
    pub(super) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A list, if there is anything in it.
    pub(super) fn list(self, name: &str, list: Vec<impl Into<Value>>) -> Self {
        let some = Some(list).filter(|list| !list.is_empty());
        self.maybe(name, some.map(|list| list.into_iter().map(Into::into).collect::<Vec<Value>>()))
    }

    /// The parameters themselves.
    pub(super) fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Given> for Value {
    fn from(given: Given) -> Self {
        Self::Object(given.0)
    }
}

impl Client {
    /// Sends it as the action wants it: in the address, or as a body.
    pub(super) async fn send(&self, action: &Action, given: Given) -> Result<Answer, CallError> {
        self.call(action, Params::of(action, &given.0)).await
    }
}
