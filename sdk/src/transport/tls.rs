//! TLS on the way out: one stack, rustls on aws-lc-rs, and the authorities that the system trusts.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Makes aws-lc-rs the process's TLS provider. Whoever comes first installs it; there is one, so the second finds the same.
pub fn install_tls() {
    let _ = aws_lc_rs::default_provider().install_default();
}

/// How a client of the public network checks whom it talks to: by name, and by the authorities that the system trusts. They are read from
/// disk at the first handshake, not here: some 150 files, which nine services that ask nobody anything need not hold.
pub fn client_tls() -> ClientConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let trust = SystemTrust {
        provider: Arc::clone(&provider),
        read: OnceLock::new(),
    };
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has suites for TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust))
        .with_no_client_auth()
}

/// The platform's verifier, made when it is first asked. Where the system has no authorities the handshake fails and says so, and the next
/// one looks again.
#[derive(Debug)]
struct SystemTrust {
    provider: Arc<CryptoProvider>,
    read: OnceLock<Verifier>,
}

impl SystemTrust {
    fn verifier(&self) -> Result<&Verifier, Error> {
        if let Some(verifier) = self.read.get() {
            return Ok(verifier);
        }
        let verifier = Verifier::new(Arc::clone(&self.provider))?;
        Ok(self.read.get_or_init(|| verifier))
    }
}

impl ServerCertVerifier for SystemTrust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier()?
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_authorities_are_read_at_the_first_handshake_and_vouch_for_nobody_unknown() {
        let trust = SystemTrust {
            provider: Arc::new(aws_lc_rs::default_provider()),
            read: OnceLock::new(),
        };
        assert!(!trust.supported_verify_schemes().is_empty());
        assert!(trust.read.get().is_none(), "nothing was read yet");
        let name = ServerName::try_from("example.org").unwrap();
        let nobody = CertificateDer::from(vec![0x30, 0x00]);
        let told = trust.verify_server_cert(&nobody, &[], &name, &[], UnixTime::now());
        assert!(matches!(told, Err(Error::InvalidCertificate(_))), "{told:?}");
        assert!(trust.read.get().is_some());
    }
}
