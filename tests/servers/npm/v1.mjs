// The v1 envelope as npm's @socialgouv/aes-gcm-rsa-oaep makes and opens it. One JSON request a line on stdin, one
// JSON answer a line on stdout:
//   {"op":"seal","certificate":PEM,"scope":...,"namespace":...,"name":...,"value":TEXT} -> {"text":B64}
//   {"op":"open","pkcs8":B64,"label":TEXT,"text":B64}                                   -> {"value":TEXT} or {"refused":true}
import { createInterface } from "node:readline";
import { webcrypto } from "node:crypto";
import peer from "@socialgouv/aes-gcm-rsa-oaep";

const rsa = { name: "RSA-OAEP", hash: "SHA-256" };
const scopes = { strict: "strict", "namespace-wide": "namespace", "cluster-wide": "cluster" };

async function answer(request) {
  if (request.op === "seal") {
    const { certificate: pemKey, namespace, name, value } = request;
    return { text: await peer.encryptValue({ pemKey, scope: scopes[request.scope], namespace, name, value }) };
  }
  const der = Buffer.from(request.pkcs8, "base64");
  const key = await webcrypto.subtle.importKey("pkcs8", der, rsa, false, ["decrypt"]);
  const sealed = new Uint8Array(Buffer.from(request.text, "base64")).buffer;
  try {
    return { value: await peer.HybridDecrypt(key, sealed, Buffer.from(request.label)) };
  } catch {
    return { refused: true };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
