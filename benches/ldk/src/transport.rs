//! Two nodes that connect, as each of the two implementations does it.

use boltlab::bolt::transport::{Initiator, Receiver, Responder, Secret, Session, SessionKeys};
use lightning::ln::onion_utils::opened::transport::{MessageBuf, PeerChannelEncryptor, session};
use lightning::sign::{KeysManager, NodeSigner, Recipient};
use secp256k1::{Keypair, PublicKey, SECP256K1, SecretKey};

use crate::Random;

/// `length` and its MAC.
const HEADER: usize = 18;

/// The keys of both nodes.
pub struct Peers {
    initiator: KeysManager,
    responder: KeysManager,
    /// boltlab's form of the same identities. Both know the public key beforehand.
    identities: [Keypair; 2],
    ephemeral: [SecretKey; 2],
}

/// The three acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acts {
    /// The initiator's first.
    pub one: [u8; 50],
    /// The responder's.
    pub two: [u8; 50],
    /// The initiator's last.
    pub three: [u8; 66],
}

impl Peers {
    /// Two nodes.
    pub fn random(random: &mut Random) -> Self {
        let mut keys = || KeysManager::new(&random.bytes(), 0, 0, true);
        let [initiator, responder] = [keys(), keys()];
        let identity = |keys: &KeysManager| keys.get_node_secret_key().keypair(SECP256K1);
        let identities = [identity(&initiator), identity(&responder)];
        let ephemeral = [random.secret(), random.secret()];
        Self { initiator, responder, identities, ephemeral }
    }

    fn responder_id(&self) -> PublicKey {
        self.responder.get_node_id(Recipient::Node).expect("it has one")
    }

    /// boltlab on both sides: the acts, and both ends of the session.
    pub fn connect(&self) -> (Acts, [Session; 2]) {
        let [of_initiator, of_responder] = &self.ephemeral;
        let identity = &self.identities[0];
        let (initiator, one) = Initiator::start(identity, of_initiator, &self.responder_id());
        let responder = Responder::new(&self.identities[1], of_responder);
        let (awaiting, two) = responder.receive_act_one(&one).expect("it is one");
        let (initiator, three) = initiator.receive_act_two(&two).expect("it is one");
        let (responder, _) = awaiting.receive_act_three(&three).expect("it is one");
        (Acts { one, two, three }, [initiator, responder])
    }

    /// LDK on both sides.
    pub fn ldk_connect(&self) -> (Acts, [PeerChannelEncryptor; 2]) {
        let [of_initiator, of_responder] = self.ephemeral;
        let mut initiator = PeerChannelEncryptor::new_outbound(self.responder_id(), of_initiator);
        let one = initiator.get_act_one(SECP256K1);
        let mut responder = PeerChannelEncryptor::new_inbound(&self.responder);
        let two = responder
            .process_act_one_with_keys(&one, &self.responder, of_responder, SECP256K1)
            .map_err(|error| error.err)
            .expect("it is one");
        let three = initiator.process_act_two(&two, &self.initiator);
        let (three, _) = three.map_err(|error| error.err).expect("it is one");
        responder.process_act_three(&three).map_err(|error| error.err).expect("it is one");
        (Acts { one, two, three }, [initiator, responder])
    }

    /// boltlab connects to LDK.
    pub fn connect_to_ldk(&self) -> (Session, PeerChannelEncryptor) {
        let [of_initiator, of_responder] = &self.ephemeral;
        let identity = &self.identities[0];
        let (initiator, one) = Initiator::start(identity, of_initiator, &self.responder_id());
        let mut responder = PeerChannelEncryptor::new_inbound(&self.responder);
        let two = responder
            .process_act_one_with_keys(&one, &self.responder, *of_responder, SECP256K1)
            .map_err(|error| error.err)
            .expect("LDK takes it");
        let (initiator, three) = initiator.receive_act_two(&two).expect("it is one");
        let who = responder.process_act_three(&three).map_err(|error| error.err);
        assert_eq!(who, Ok(identity.public_key()));
        (initiator, responder)
    }

    /// LDK connects to boltlab.
    pub fn ldk_connect_to_us(&self) -> (PeerChannelEncryptor, Session) {
        let [of_initiator, of_responder] = &self.ephemeral;
        let mut initiator = PeerChannelEncryptor::new_outbound(self.responder_id(), *of_initiator);
        let one = initiator.get_act_one(SECP256K1);
        let responder = Responder::new(&self.identities[1], of_responder);
        let (awaiting, two) = responder.receive_act_one(&one).expect("it is one");
        let three = initiator.process_act_two(&two, &self.initiator);
        let (three, _) = three.map_err(|error| error.err).expect("LDK takes it");
        let (session, who) = awaiting.receive_act_three(&three).expect("it is one");
        assert_eq!(who, self.initiator.get_node_id(Recipient::Node).expect("it has one"));
        (initiator, session)
    }
}

/// The keys of a session that goes one way.
#[derive(Clone, Copy)]
pub struct OneWay {
    chaining_key: [u8; 32],
    key: [u8; 32],
}

impl OneWay {
    /// Some keys.
    pub fn random(random: &mut Random) -> Self {
        Self { chaining_key: random.bytes(), key: random.bytes() }
    }

    fn ours(self) -> Session {
        let [chaining_key, key] = [self.chaining_key, self.key].map(Secret);
        Session::new(&SessionKeys { chaining_key, sending: key, receiving: key })
    }

    fn ldk(self) -> PeerChannelEncryptor {
        session(self.chaining_key, self.key, self.key)
    }

    /// Every message as its frame.
    pub fn seal(self, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut sender = self.ours().sender;
        messages.iter().map(|message| sender.seal(message).expect("it is short")).collect()
    }

    /// The same by LDK.
    pub fn ldk_seal(self, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut sender = self.ldk();
        messages.iter().map(|message| ldk_seal(&mut sender, message)).collect()
    }

    /// Every message out of its frame.
    pub fn open(self, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut receiver = self.ours().receiver;
        frames.iter().map(|frame| open(&mut receiver, frame)).collect()
    }

    /// The same by LDK.
    pub fn ldk_open(self, frames: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut receiver = self.ldk();
        frames.iter().map(|frame| ldk_open(&mut receiver, frame)).collect()
    }
}

/// boltlab's receiver gets a frame as it comes from the socket.
pub fn open(receiver: &mut Receiver, frame: &[u8]) -> Vec<u8> {
    receiver.feed(frame);
    receiver.next().expect("it is sealed").expect("it is whole")
}

/// LDK seals a message that is encoded already.
pub fn ldk_seal(sender: &mut PeerChannelEncryptor, message: &[u8]) -> Vec<u8> {
    sender.encrypt_buffer(MessageBuf::from_encoded(message).expect("it is short"))
}

/// LDK opens a frame where it lies, so it gets a copy: what was read from the socket.
pub fn ldk_open(receiver: &mut PeerChannelEncryptor, frame: &[u8]) -> Vec<u8> {
    let (header, sealed) = frame.split_at(HEADER);
    let length = receiver.decrypt_length_header(header).map_err(|error| error.err);
    let length = usize::from(length.expect("it is sealed"));
    let mut message = sealed.to_vec();
    receiver.decrypt_message(&mut message).map_err(|error| error.err).expect("it is sealed");
    message.truncate(length);
    message
}
