//! Who outside is asked, as the key of what goes wrong with them.

use std::fmt;

use super::Text;

/// Something outside that can fail. Written as people read it: `cloud: listing of the fleet`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceId {
    /// The queue of this name.
    Queue(Text),
    /// The listing of the farm at the provider.
    Fleet,
    /// What an offer costs: the offer.
    Price(Text),
    /// What is on sale: `FAMILY in ZONE`.
    Stock(Text),
    /// The provider's API as a whole: calls that wait too long.
    Calls,
    /// This machine's clock.
    Clock,
    /// The daemon itself: it has crashed, and how it goes on.
    Daemon,
    /// One that another version of the daemon speaks of.
    Other(Text),
}

impl SourceId {
    /// The label of a metric: few, and none with a name in it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Queue(_) => "queue",
            Self::Fleet | Self::Stock(_) | Self::Price(_) | Self::Calls => "cloud",
            Self::Clock => "clock",
            Self::Daemon => "daemon",
            Self::Other(_) => "other",
        }
    }
}

impl fmt::Display for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(name) => write!(f, "queue {name}"),
            Self::Fleet => f.write_str("cloud: listing of the fleet"),
            Self::Stock(what) => write!(f, "cloud: stock of {what}"),
            Self::Price(offer) => write!(f, "cloud: price of {offer}"),
            Self::Calls => f.write_str("cloud: calls"),
            Self::Clock => f.write_str("clock"),
            Self::Daemon => f.write_str("daemon"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

impl From<SourceId> for String {
    fn from(source: SourceId) -> Self {
        source.to_string()
    }
}

impl From<String> for SourceId {
    fn from(text: String) -> Self {
        for known in [Self::Fleet, Self::Calls, Self::Clock, Self::Daemon] {
            if known.to_string() == text {
                return known;
            }
        }
        let after = |begin: &str| text.strip_prefix(begin).map(Text::from);
        let queue = after("queue ").map(Self::Queue);
        let stock = || after("cloud: stock of ").map(Self::Stock);
        let price = || after("cloud: price of ").map(Self::Price);
        queue.or_else(stock).or_else(price).unwrap_or_else(|| Self::Other(text.as_str().into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_as_the_same_source() {
        for source in [
            SourceId::Queue("render".into()),
            SourceId::Fleet,
            SourceId::Stock("专业渲染型rp3 in CN_Suqian_B".into()),
            SourceId::Price("CN_Suqian_B/专业渲染型rp3 16c32g1gpu".into()),
            SourceId::Calls,
            SourceId::Clock,
            SourceId::Other("something newer".into()),
        ] {
            assert_eq!(SourceId::from(source.to_string()), source);
        }
    }
}
