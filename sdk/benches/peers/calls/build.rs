//! The service as tonic generates it; described here rather than in a `.proto`, so that nobody needs `protoc`.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let echo = Method::builder()
        .name("echo")
        .route_name("Echo")
        .input_type("crate::rpc::Message")
        .output_type("crate::rpc::Message")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let core = Service::builder().name("Core").package("bench").method(echo).build();
    Builder::new().compile(&[core]);
}
