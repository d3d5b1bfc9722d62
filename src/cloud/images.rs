//! Images: what a machine boots from.
//!
//! ```no_run
//! # async fn doc(client: farmscale::cloud::Client) -> Result<(), farmscale::cloud::CallError> {
//! let images = client.images("CN_Suqian_B").await?;
//! let ours = images.iter().filter(|image| image.is_private && image.is_ready());
//! println!("{} of our own", ours.count());
//! # Ok(())
//! # }
//! ```

use serde_json::Value;

use super::actions::ecs as action;
use super::client::Client;
use super::error::CallError;
use super::fields::Fields;
use super::given::Given;
use super::instances::{Accepted, accepted, made};
use crate::model::Text;

/// An image in one zone, as `DescribeImages` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Id.
    pub id: Text,
    /// Name.
    pub name: Text,
    /// Its zone.
    pub zone: Option<Text>,
    /// `Geforce` or `Datacenter`; a machine's size must have the same.
    pub driver: Option<Text>,
    /// `running` when it can be used.
    pub status: Option<Text>,
    /// `private` = the account's own.
    pub is_private: bool,
    /// Such as `Ubuntu` or `Windows`.
    pub os: Option<Text>,
    /// GiB the system disk must have at least.
    pub os_gib: u32,
}

impl Image {
    /// Whether a machine can boot from it now.
    pub fn is_ready(&self) -> bool {
        self.status.as_deref().is_none_or(|status| status == "running")
    }
}

/// What a list of images is narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImageFilter<'a> {
    /// `AvailableZoneCode`.
    pub zone: Option<&'a str>,
    /// `ImageIds`: exactly these.
    pub ids: &'a [&'a str],
}

/// An image to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewImage<'a> {
    /// Of this machine, which must be shut down.
    pub instance: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `IsOptimized`: accelerated.
    pub optimized: bool,
    /// `TestAccount`: paid with test money.
    pub test_account: Option<&'a str>,
    /// `ProjectId`.
    pub project: Option<&'a str>,
}

impl<'a> NewImage<'a> {
    /// One as most are.
    pub const fn of(instance: &'a str, name: &'a str) -> Self {
        Self { instance, name, optimized: false, test_account: None, project: None }
    }
}

impl Client {
    /// `DescribeImages` of a zone.
    pub async fn images(&self, zone: &str) -> Result<Vec<Image>, CallError> {
        self.images_of(&ImageFilter { zone: Some(zone), ids: &[] }).await
    }

    /// `DescribeImages`: all that is said must hold. An image stands there once for each zone it is in.
    pub async fn images_of(&self, filter: &ImageFilter<'_>) -> Result<Vec<Image>, CallError> {
        let given = Given::default()
            .maybe("AvailableZoneCode", filter.zone)
            .list("ImageIds", filter.ids.to_vec());
        Ok(images(&self.send(&action::IMAGES, given).await?.data))
    }

    /// `CreateImage`; the image's id is the one made.
    pub async fn create_image(&self, new: &NewImage<'_>) -> Result<Accepted, CallError> {
        let _turns = self.turns(&[new.instance]).await;
        let given = Given::default()
            .with("EcsId", new.instance)
            .with("Name", new.name)
            .with("IsOptimized", u8::from(new.optimized))
            .maybe("TestAccount", new.test_account)
            .maybe("ProjectId", new.project);
        Ok(made(&self.send(&action::IMAGE_CREATE, given).await?, "ImageId"))
    }

    /// `DeleteImage` in one zone. Without a zone the API deletes in all of them: an empty one is not sent.
    pub async fn delete_images(&self, ids: &[&str], zone: &str) -> Result<Accepted, CallError> {
        if zone.trim().is_empty() {
            let text = "no zone is named, which would delete the images in EVERY zone";
            return Err(CallError::NotSent(text.to_owned()));
        }
        let given = Given::default().with("ImageIds", ids).with("AvailableZoneCode", zone);
        Ok(accepted(&self.send(&action::IMAGE_DELETE, given).await?))
    }

    /// `DeleteImage` in every zone.
    pub async fn delete_images_everywhere(&self, ids: &[&str]) -> Result<Accepted, CallError> {
        let given = Given::default().with("ImageIds", ids);
        Ok(accepted(&self.send(&action::IMAGE_DELETE, given).await?))
    }

    /// `SyncImage`: copies an image to other zones.
    pub async fn sync_image(
        &self,
        id: &str,
        zones: &[&str],
        test_account: Option<&str>,
    ) -> Result<Accepted, CallError> {
        let given = Given::default()
            .with("ImageId", id)
            .with("AvailableZoneCodes", zones)
            .maybe("TestAccount", test_account);
        Ok(accepted(&self.send(&action::IMAGE_SYNC, given).await?))
    }
}

/// `Data` of `DescribeImages`.
pub fn images(data: &Value) -> Vec<Image> {
    let images = Fields::of(data).map(|data| data.list("ImageList")).unwrap_or_default();
    let image = |image: Fields<'_>| {
        Some(Image {
            id: image.text("ImageId")?,
            name: image.text("ImageName").unwrap_or_else(|| "".into()),
            zone: image.text("AvailableZoneCode"),
            driver: image.text("SupportGpuDriver"),
            status: image.text("Status"),
            is_private: image.text("TemplateType").as_deref() == Some("private"),
            os: image.text("OsType"),
            os_gib: image.number("OsSize").unwrap_or(0),
        })
    };
    images.into_iter().filter_map(image).collect()
}
