//! The contract of a method, on a small configuration.

physrep_plugin_api::conformance!(
    crate::VideoMae,
    {
        "dim": 16,
        "depth": 2,
        "heads": 2,
        "tubelet": 4,
        "decoder": { "dim": 16, "depth": 1, "heads": 2 },
        "training": { "warmup": 0.0 },
    }
);
