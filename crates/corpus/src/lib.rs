//! writes midtraining documents and alignment chats from a Model Spec
