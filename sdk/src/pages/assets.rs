/// A file that pages use: the style, the scripts, the icon of all of them, or one of a service's own.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// What code calls it, such as `app.css`.
    pub name: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes, not compressed.
    pub body: &'static [u8],
    /// What its path begins with.
    prefix: &'static str,
    /// The hash of its bytes, which is part of its path.
    hash: u32,
}

impl Asset {
    const fn new(name: &'static str, content_type: &'static str, body: &'static str) -> Self {
        Asset {
            name,
            content_type,
            body: body.as_bytes(),
            prefix: ASSET_PREFIX,
            hash: hash(body.as_bytes()),
        }
    }

    /// A file of one service's own pages, served by `http::pages::asset_routes` beside the ones that all share.
    ///
    /// ```
    /// use syscall_sdk::pages::Asset;
    /// const SHELL: Asset = Asset::own("shell.js", "text/javascript; charset=utf-8", "export {};");
    /// assert!(SHELL.path().starts_with("/_assets/own/shell."));
    /// ```
    pub const fn own(name: &'static str, content_type: &'static str, body: &'static str) -> Self {
        let mut asset = Self::new(name, content_type, body);
        asset.prefix = OWN_ASSET_PREFIX;
        asset
    }

    /// Where it is served, such as `/_assets/app.3fa9c1d2.css`.
    pub fn path(&self) -> String {
        let (stem, extension) = self.name.rsplit_once('.').unwrap_or((self.name, "bin"));
        format!("{}{stem}.{:08x}.{extension}", self.prefix, self.hash)
    }
}

/// What the paths of all assets begin with.
pub const ASSET_PREFIX: &str = "/_assets/";

/// What the paths of a service's own assets begin with.
pub const OWN_ASSET_PREFIX: &str = "/_assets/own/";

/// How long an asset may be kept: its path changes with its bytes.
pub const ASSET_CACHE_CONTROL: &str = "public, max-age=31536000, immutable";

/// What a page may load and where from: its own origin, and nothing written into the page.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'";

/// Every asset.
pub const ASSETS: &[Asset] = &[
    Asset::new(
        "app.css",
        "text/css; charset=utf-8",
        concat!(
            include_str!("../../assets/css/tokens.css"),
            include_str!("../../assets/css/base.css"),
            include_str!("../../assets/css/frame.css"),
            include_str!("../../assets/css/controls.css"),
            include_str!("../../assets/css/data.css"),
            include_str!("../../assets/css/states.css"),
            include_str!("../../assets/css/chart.css"),
            include_str!("../../assets/css/palette.css"),
            include_str!("../../assets/css/prose.css"),
            include_str!("../../assets/css/shell.css"),
        ),
    ),
    // Runs before the first paint, so that a chosen theme never flashes.
    Asset::new(
        "theme.js",
        "text/javascript; charset=utf-8",
        include_str!("../../assets/js/theme.js"),
    ),
    Asset::new(
        "app.js",
        "text/javascript; charset=utf-8",
        concat!(
            include_str!("../../assets/js/dom.js"),
            include_str!("../../assets/js/time.js"),
            include_str!("../../assets/js/morph.js"),
            include_str!("../../assets/js/live.js"),
            include_str!("../../assets/js/actions.js"),
            include_str!("../../assets/js/palette.js"),
            include_str!("../../assets/js/main.js"),
        ),
    ),
    Asset::new("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// The path of the asset of that name.
///
/// A name that is not in [`ASSETS`] gives a path that finds nothing, as a misspelt link would.
pub fn asset_path(name: &str) -> String {
    match ASSETS.iter().find(|asset| asset.name == name) {
        Some(asset) => asset.path(),
        None => format!("{ASSET_PREFIX}{name}"),
    }
}

/// The asset at a path, with today's hash only: an old page asks for the old bytes, which are gone.
pub fn find_asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path() == path)
}

/// FNV-1a of 32 bits: it tells versions apart and protects nothing.
const fn hash(bytes: &[u8]) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    hash
}
