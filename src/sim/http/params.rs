//! An action's parameters: from the query, from a JSON body, or from both, as the vendor takes
//! them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::answer::{Failure, Page};
use super::signature::Query;
pub(super) use crate::cloud::offer::billing_code;
use crate::model::{Billing, OfferKey};
use crate::sim::provider::{Fault, Provider};

/// Rows of a network's page.
const NETWORK_PAGE: usize = 20;

/// Parameters by name.
#[derive(Debug)]
pub(super) struct Params {
    given: Map<String, Value>,
    /// Those that stand in the body.
    in_body: BTreeSet<String>,
}

impl Params {
    /// Joins query and body. An empty body is none; a `GET` may have one.
    pub(super) fn new(query: &Query, body: &[u8]) -> Result<Self, Failure> {
        let mut in_body = BTreeSet::new();
        let mut given: Map<String, Value> =
            query.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect();
        if !body.is_empty() {
            let parsed: Result<Map<String, Value>, _> = serde_json::from_slice(body);
            match parsed {
                Ok(body) => {
                    in_body = body.keys().cloned().collect();
                    given.extend(body);
                }
                Err(_) => {
                    return Err(Failure::told("ParamParseError", ""));
                }
            }
        }
        Ok(Self { given, in_body })
    }

    fn from_given(given: Map<String, Value>) -> Self {
        Self { given, in_body: BTreeSet::new() }
    }

    /// Everything that is given.
    pub(super) fn given(&self) -> &Map<String, Value> {
        &self.given
    }

    /// Whether a parameter stands in the address, where everything is text.
    pub(super) fn is_of_address(&self, name: &str) -> bool {
        !self.in_body.contains(name)
    }

    /// A parameter's own parameters; none if it is not there or no object.
    pub(super) fn inner(&self, name: &str) -> Self {
        Self::from_given(
            self.given.get(name).and_then(Value::as_object).cloned().unwrap_or_default(),
        )
    }

    /// A list of objects; one object counts as a list of one, as in the document's own sample.
    pub(super) fn inner_list(&self, name: &str) -> Vec<Self> {
        let inner = |value: &Value| value.as_object().cloned().map(Self::from_given);
        match self.given.get(name) {
            Some(Value::Array(list)) => list.iter().filter_map(inner).collect(),
            Some(one) => inner(one).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// A text, or a number as text; `None` if absent or empty.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = match self.given.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        (!text.is_empty()).then_some(text)
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &str) -> Result<String, Failure> {
        match self.given.get(name) {
            Some(Value::Null) => Err(empty(name)),
            Some(Value::String(text)) if text.is_empty() => Err(empty(name)),
            _ => self.text(name).ok_or_else(|| missing(name)),
        }
    }

    /// A whole number, or its text; `None` if absent.
    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, Failure> {
        match self.text(name) {
            None => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(invalid(name)),
            },
        }
    }

    /// A whole number that must be there.
    pub(super) fn required_number(&self, name: &str) -> Result<u32, Failure> {
        self.number(name)?.ok_or_else(|| missing(name))
    }

    /// Which page is asked for: (number, size); all rows on one page unless either is given.
    pub(super) fn page(&self, total: usize) -> Result<Page, Failure> {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let (number, size) = match (self.number("PageNumber")?, self.number("PageSize")?) {
            (None, None) => (1, total),
            (number, size) => (count(number.unwrap_or(1)), count(size.unwrap_or(20))),
        };
        if number == 0 { Err(invalid("PageNumber")) } else { Ok(Page { number, size, total }) }
    }

    /// Which page of a network's rows, whose size is the cloud's own.
    pub(super) fn network_page(&self, total: usize) -> Result<Page, Failure> {
        let number = self.number("PageNumber")?.unwrap_or(1);
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Page { number, size: NETWORK_PAGE, total })
    }

    /// 0 or 1.
    pub(super) fn flag(&self, name: &str, otherwise: bool) -> Result<bool, Failure> {
        match self.number(name)? {
            None => Ok(otherwise),
            Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(_) => Err(invalid(name)),
        }
    }

    /// Whether it is `true`.
    pub(super) fn truth(&self, name: &str) -> bool {
        self.truth_if_said(name) == Some(true)
    }

    /// The same; `None` if it is not said.
    pub(super) fn truth_if_said(&self, name: &str) -> Option<bool> {
        match self.given.get(name)? {
            Value::Bool(truth) => Some(*truth),
            Value::String(text) => Some(text == "true"),
            Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// A list of texts; in a query it is JSON in a text.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        let list = match self.given.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).ok(),
            Some(value) => serde_json::from_value(value.clone()).ok(),
        };
        list.map(Some).ok_or_else(|| invalid(name))
    }

    /// A list of texts with commas between, as the vendor's program sends them in an address.
    pub(super) fn words(&self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        match self.text(name).filter(|text| !text.starts_with('[')) {
            Some(text) => Ok(Some(text.split(',').map(|word| word.trim().to_owned()).collect())),
            None => self.texts(name),
        }
    }

    /// A list of texts that must be there and hold something.
    pub(super) fn required_texts(&self, name: &str) -> Result<Vec<String>, Failure> {
        self.texts(name)?.filter(|list| !list.is_empty()).ok_or_else(|| missing(name))
    }

    /// A zone or region that something is looked for in must be there.
    pub(super) fn check_place(&self, provider: &Provider) -> Result<(), Failure> {
        let zones = &provider.catalog().zones;
        let (zone, region) = (self.text("AvailableZoneCode"), self.text("RegionCode"));
        if zone.is_some_and(|code| !zones.iter().any(|zone| *zone.code == *code)) {
            return Err(Fault::no_zone().into());
        }
        if region.is_some_and(|code| !zones.iter().any(|zone| *zone.region == *code)) {
            return Err(Fault::no_region().into());
        }
        Ok(())
    }

    /// What is to be bought or priced.
    pub(super) fn offer(&self) -> Result<OfferKey, Failure> {
        self.offer_of(&self.required("EcsFamilyName")?)
    }

    /// The same of this family.
    pub(super) fn offer_of(&self, family: &str) -> Result<OfferKey, Failure> {
        Ok(OfferKey {
            zone: self.required("AvailableZoneCode")?.into(),
            family: family.into(),
            cpu: self.required_number("Cpu")?,
            ram_gib: self.required_number("Ram")?,
            gpus: self.number("Gpu")?.unwrap_or(0),
            billing: self.billing()?,
        })
    }

    /// `BillingMethod`.
    pub(super) fn billing(&self) -> Result<Billing, Failure> {
        let code = self.required("BillingMethod")?;
        [Billing::OnDemand, Billing::Monthly, Billing::Spot]
            .into_iter()
            .find(|billing| billing_code(*billing) == code)
            .ok_or_else(|| invalid("BillingMethod"))
    }
}

/// The same texts, borrowed.
pub(super) fn refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// A parameter is missing.
pub(super) fn missing(name: &str) -> Failure {
    Failure::told("MissingParameter", name)
}

/// A parameter is there, and empty.
pub(super) fn empty(name: &str) -> Failure {
    Failure::told("InvalidParameter.IsNull", name)
}

/// A parameter cannot be.
pub(super) fn invalid(name: &str) -> Failure {
    Failure::told("InvalidParameter", name)
}
