// What this browser keeps: its own key, which no script can read out, and what is still to be delivered. IndexedDB.

const STORES = ["device", "outbox"];

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("holdgate", 1);
    asked.onupgradeneeded = () => STORES.forEach((name) => asked.result.createObjectStore(name));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function run(store, mode, work) {
  const db = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = db.transaction(store, mode, { durability: "strict" });
      const asked = work(transaction.objectStore(store));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    db.close();
  }
}

export const get = (store, key) => run(store, "readonly", (kept) => kept.get(key));
export const put = (store, key, value) => run(store, "readwrite", (kept) => kept.put(value, key));
export const drop = (store, key) => run(store, "readwrite", (kept) => kept.delete(key));
export const all = (store) => run(store, "readonly", (kept) => kept.getAll());
export const count = (store) => run(store, "readonly", (kept) => kept.count());
