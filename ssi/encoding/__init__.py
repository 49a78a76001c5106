"""Strict codecs: the JSON gate, base64url, multibase, multicodec and JCS."""
